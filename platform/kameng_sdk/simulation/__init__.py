"""What simulators of gateways share: memory, callbacks, cashier pages, levers, a site."""
