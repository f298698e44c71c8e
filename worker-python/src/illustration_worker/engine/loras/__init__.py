"""LoRAs that requests name: brought by the gateway, held as long as there is room, applied to their own jobs only."""
