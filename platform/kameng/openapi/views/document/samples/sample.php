<?php
// Kameng open API in PHP 7.4 or newer; no Composer, no extension beyond the usual ones.
//   php sample.php                                      account, goods, an order, its result
//   php sample.php sign METHOD PATH TIME NONCE < body        the signature of a request
//   php sample.php webhook ID TIME SIGNATURES < body         is a message genuine?
// Settings: KAMENG_URL, KAMENG_KEY, KAMENG_SECRET, KAMENG_SKU; KAMENG_WEBHOOK_SECRET (whsec_…) for
// a registered endpoint, otherwise KAMENG_SECRET signs.
declare(strict_types=1);

const DONE = ['delivered', 'completed', 'refunded'];

function setting(string $name): string
{
    return (string) getenv('KAMENG_' . $name);
}

// Hex HMAC-SHA256 of five lines; $path with its query, as it is sent.
function sign(string $method, string $path, string $timestamp, string $nonce, string $body): string
{
    $text = implode("\n", [$method, $path, $timestamp, $nonce, hash('sha256', $body)]);
    return hash_hmac('sha256', $text, setting('SECRET'));
}

// Status and JSON. Without an answer it is sent again: the same number buys only once.
function call(string $method, string $path, ?array $given = null): array
{
    $body = $given === null ? '' : json_encode($given, JSON_THROW_ON_ERROR);
    foreach ([1, 2, 4, 8, 0] as $wait) {
        [$status, $answer] = attempt($method, $path, $body);
        if (($status && $status < 500 && $status !== 429) || !$wait) {
            break;
        }
        sleep($wait);
    }
    if ($status !== 200 && $status !== 201) {
        fwrite(STDERR, "$method $path: $status $answer\n");
        exit(1);
    }
    return [$status, json_decode($answer, true, 512, JSON_THROW_ON_ERROR)];
}

// One request with time, nonce and signature of its own; status 0: no answer.
function attempt(string $method, string $path, string $body): array
{
    $timestamp = (string) time();
    $nonce = bin2hex(random_bytes(16));
    $headers = [
        'Content-Type: application/json',
        'Kameng-Key: ' . setting('KEY'),
        'Kameng-Timestamp: ' . $timestamp,
        'Kameng-Nonce: ' . $nonce,
        'Kameng-Signature: ' . sign($method, $path, $timestamp, $nonce, $body),
    ];
    $context = stream_context_create(['http' => [
        'method' => $method, 'header' => $headers, 'content' => $body, 'timeout' => 30,
        'ignore_errors' => true, 'follow_location' => 0,
    ]]);
    $stream = @fopen(rtrim(setting('URL'), '/') . $path, 'rb', false, $context);
    if ($stream === false) {
        return [0, 'no answer'];
    }
    $lines = stream_get_meta_data($stream)['wrapper_data'];
    $answer = (string) stream_get_contents($stream);
    fclose($stream);
    return [(int) explode(' ', $lines[0])[1], $answer];
}

// Whether a webhook was signed with our secret within the last five minutes.
function isGenuine(string $secret, string $id, string $timestamp, string $signatures, string $body): bool
{
    $key = strpos($secret, 'whsec_') === 0 ? base64_decode(substr($secret, 6)) : $secret;
    if (!preg_match('/^\d{1,12}$/D', $timestamp) || abs(time() - (int) $timestamp) > 300) {
        return false;
    }
    $wanted = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    foreach (explode(' ', $signatures) as $one) {
        if (hash_equals($wanted, $one)) {
            return true;
        }
    }
    return false;
}

// Account, goods, an order and what came of it.
function trade(): void
{
    [, $account] = call('GET', '/api/v1/account');
    echo "balance {$account['balance']} {$account['currency']}\n";
    [, $page] = call('GET', '/api/v1/products?limit=20');
    echo 'products ' . count($page['items']) . "\n";
    [, $product] = call('GET', '/api/v1/products/' . rawurlencode(setting('SKU')));
    echo "price {$product['price']}\n";
    $number = 'H' . date('YmdHis') . bin2hex(random_bytes(4)); // store it before you send it
    $wanted = ['sku' => $product['sku'], 'quantity' => 1, 'merchant_order_no' => $number];
    [$status, $order] = call('POST', '/api/v1/orders', $wanted);
    echo "ordered $status {$order['order_no']} {$order['state']}\n";
    [$status] = call('POST', '/api/v1/orders', $wanted);
    echo "repeated $status\n";
    for ($turn = 0; $turn < 20; $turn++) {
        [, $order] = call('GET', '/api/v1/orders?' . http_build_query(['merchant_order_no' => $number]));
        if (in_array($order['state'], DONE, true)) {
            break;
        }
        sleep(3);
    }
    echo "result {$order['state']} " . count($order['cards']) . " cards\n";
}

$words = array_slice($argv, 1);
if (($words[0] ?? '') === 'sign') {
    echo sign($words[1], $words[2], $words[3], $words[4], (string) file_get_contents('php://stdin')), "\n";
} elseif (($words[0] ?? '') === 'webhook') {
    $secret = setting('WEBHOOK_SECRET') ?: setting('SECRET');
    $good = isGenuine($secret, $words[1], $words[2], $words[3], (string) file_get_contents('php://stdin'));
    echo $good ? "genuine\n" : "forged\n";
} else {
    trade();
}
