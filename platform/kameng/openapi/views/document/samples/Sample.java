// Kameng open API in Java 11 or newer, nothing to install.
//   java Sample.java                                      account, goods, an order, its result
//   java Sample.java sign METHOD PATH TIME NONCE < body        the signature of a request
//   java Sample.java webhook ID TIME SIGNATURES < body         is a message genuine?
// Settings: KAMENG_URL, KAMENG_KEY, KAMENG_SECRET, KAMENG_SKU; KAMENG_WEBHOOK_SECRET (whsec_…) for
// a registered endpoint, otherwise KAMENG_SECRET signs.
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Sample {
    static final List<String> DONE = List.of("delivered", "completed", "refunded");
    static final HttpClient CLIENT = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(10)).build();

    static int status;
    static String answer;

    static String setting(String name) {
        String value = System.getenv("KAMENG_" + name);
        return value == null ? "" : value;
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] hmac(byte[] key, byte[] text) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text);
    }

    static String hex(byte[] data) {
        StringBuilder text = new StringBuilder();
        for (byte one : data) text.append(String.format("%02x", one));
        return text.toString();
    }

    // Hex HMAC-SHA256 of five lines; the path with its query, as it is sent.
    static String sign(String method, String path, String timestamp, String nonce, byte[] body)
            throws GeneralSecurityException {
        String digest = hex(MessageDigest.getInstance("SHA-256").digest(body));
        String text = String.join("\n", method, path, timestamp, nonce, digest);
        return hex(hmac(bytes(setting("SECRET")), bytes(text)));
    }

    // Sets status and answer. Without an answer it is sent again: the same number buys only once.
    static void call(String method, String path, String body) throws Exception {
        for (int wait : new int[] {1, 2, 4, 8, 0}) {
            attempt(method, path, body);
            if (status > 0 && status < 500 && status != 429 || wait == 0) break;
            Thread.sleep(wait * 1000L);
        }
        if (status != 200 && status != 201) {
            System.err.println(method + " " + path + ": " + status + " " + answer);
            System.exit(1);
        }
    }

    // One request with time, nonce and signature of its own; status 0: no answer.
    static void attempt(String method, String path, String body) throws Exception {
        String timestamp = Long.toString(System.currentTimeMillis() / 1000);
        String nonce = UUID.randomUUID().toString();
        HttpRequest request = HttpRequest.newBuilder(URI.create(setting("URL").replaceAll("/$", "") + path))
                .timeout(Duration.ofSeconds(30))
                .header("Content-Type", "application/json")
                .header("Kameng-Key", setting("KEY"))
                .header("Kameng-Timestamp", timestamp)
                .header("Kameng-Nonce", nonce)
                .header("Kameng-Signature", sign(method, path, timestamp, nonce, bytes(body)))
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .build();
        try {
            HttpResponse<String> response = CLIENT.send(request, BodyHandlers.ofString());
            status = response.statusCode();
            answer = response.body();
        } catch (IOException problem) {
            status = 0;
            answer = problem.toString();
        }
    }

    // The first field of this name in the answer. Real programs read JSON with a JSON reader.
    static String field(String name) {
        Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"?([^\",}]*)").matcher(answer);
        return found.find() ? found.group(1) : "";
    }

    static long count(String name) {
        return Pattern.compile("\"" + name + "\"\\s*:\\s*\"").matcher(answer).results().count();
    }

    // Whether a webhook was signed with our secret within the last five minutes.
    static boolean isGenuine(String secret, String id, String timestamp, String signatures, byte[] body)
            throws GeneralSecurityException {
        byte[] key = secret.startsWith("whsec_")
                ? Base64.getDecoder().decode(secret.substring(6)) : bytes(secret);
        long now = System.currentTimeMillis() / 1000;
        if (!timestamp.matches("[0-9]{1,12}") || Math.abs(now - Long.parseLong(timestamp)) > 300) return false;
        byte[] head = bytes(id + "." + timestamp + ".");
        byte[] text = new byte[head.length + body.length];
        System.arraycopy(head, 0, text, 0, head.length);
        System.arraycopy(body, 0, text, head.length, body.length);
        byte[] wanted = bytes("v1," + Base64.getEncoder().encodeToString(hmac(key, text)));
        for (String one : signatures.split(" ")) {
            if (MessageDigest.isEqual(wanted, bytes(one))) return true;
        }
        return false;
    }

    // Account, goods, an order and what came of it.
    static void trade() throws Exception {
        call("GET", "/api/v1/account", "");
        System.out.println("balance " + field("balance") + " " + field("currency"));
        call("GET", "/api/v1/products?limit=20", "");
        System.out.println("products " + count("sku"));
        String sku = URLEncoder.encode(setting("SKU"), StandardCharsets.UTF_8).replace("+", "%20");
        call("GET", "/api/v1/products/" + sku, "");
        System.out.println("price " + field("price"));
        String number = "J" + UUID.randomUUID(); // store it before you send it
        String wanted = String.format(
                "{\"sku\":\"%s\",\"quantity\":1,\"merchant_order_no\":\"%s\"}", setting("SKU"), number);
        call("POST", "/api/v1/orders", wanted);
        System.out.println("ordered " + status + " " + field("order_no") + " " + field("state"));
        call("POST", "/api/v1/orders", wanted);
        System.out.println("repeated " + status);
        for (int turn = 0; turn < 20; turn++) {
            call("GET", "/api/v1/orders?merchant_order_no=" + number, "");
            if (DONE.contains(field("state"))) break;
            Thread.sleep(3000);
        }
        System.out.println("result " + field("state") + " " + count("code") + " cards");
    }

    public static void main(String[] words) throws Exception {
        if (words.length == 5 && words[0].equals("sign")) {
            System.out.println(sign(words[1], words[2], words[3], words[4], System.in.readAllBytes()));
        } else if (words.length == 4 && words[0].equals("webhook")) {
            String secret = setting("WEBHOOK_SECRET").isEmpty() ? setting("SECRET") : setting("WEBHOOK_SECRET");
            boolean good = isGenuine(secret, words[1], words[2], words[3], System.in.readAllBytes());
            System.out.println(good ? "genuine" : "forged");
        } else {
            trade();
        }
    }
}
