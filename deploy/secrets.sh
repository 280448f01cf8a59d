#!/bin/sh
# Prints fresh secrets for docker-compose.yml, one NAME=value a line; hex, because most become parts of URLs.
#
#   (umask 077; deploy/secrets.sh >> .env)
set -eu
fresh() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}
for name in RABBITMQ_PASSWORD MYSQL_PASSWORD MYSQL_ROOT_PASSWORD REDIS_PASSWORD GRAFANA_PASSWORD MESH_SERVICE_TOKENS \
    MESH_TIKTOK_CLIENT_SECRETS; do
    printf '%s=%s\n' "$name" "$(fresh)"
done
printf 'MESH_EVENTS_USERS=oms:%s\n' "$(fresh)"
printf 'MESH_ADMIN_USERS=admin:%s:admin+secrets\n' "$(fresh)"
printf 'MESH_ENCRYPTION_KEYS=%s\n' "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')"
