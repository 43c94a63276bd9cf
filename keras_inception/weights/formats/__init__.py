"""Weight files of other projects as arrays by name, without the frameworks that wrote them."""
