#!/bin/sh
# Prints fresh secrets for docker-compose.yml, one NAME=value a line; hex, because they become parts of URLs.
#
#   (umask 077; deploy/secrets.sh >> .env)
set -eu
for name in RABBITMQ_PASSWORD MYSQL_PASSWORD MYSQL_ROOT_PASSWORD REDIS_PASSWORD GRAFANA_PASSWORD MESH_SERVICE_TOKENS; do
    printf '%s=%s\n' "$name" "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
done
