#!/bin/sh
# Sets the accounts of the hub and of the compose file's own gateway, leaves all others as they are, and
# becomes the broker. Further gateways: docs/deployment.md.
set -eu
root=${MOSQUITTO_ROOT:-/mosquitto}
passwords=$root/data/passwords

umask 077
touch "$passwords"
mosquitto_passwd -b "$passwords" wugan-hub "$MQTT_HUB_PASSWORD"
if [ -n "${MQTT_GATEWAY_ID:-}" ] && [ -n "${MQTT_GATEWAY_PASSWORD:-}" ]; then
  mosquitto_passwd -b "$passwords" "$MQTT_GATEWAY_ID" "$MQTT_GATEWAY_PASSWORD"
fi
# The broker gives up root before it reads them.
if [ "$(id -u)" = 0 ] && id mosquitto >/dev/null 2>&1; then
  chown -R mosquitto:mosquitto "$root/data"
fi
exec mosquitto -c "$root/config/mosquitto.conf"
