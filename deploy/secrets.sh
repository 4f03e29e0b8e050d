#!/usr/bin/env bash
# Makes the secrets that docker-compose.yml names, where they are missing, and
# prints none of them. What exists is kept; only the hashes for ClickHouse are
# written anew, from its two passwords.
#
#   deploy/secrets.sh [FOLDER]
#   ALERTMANAGER_SLACK_URL=https://hooks.slack.com/… deploy/secrets.sh
set -euo pipefail
cd "$(dirname "$0")"
folder=${1:-secrets}
umask 077
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

# put NAME writes what it reads. The folder is the lock: containers read the
# files as users of their own. A file is rewritten in place, for a mount of it
# would go on showing the one it replaced.
put() {
  [[ ! -e $1 ]] || chmod u+w "$1"
  cat >"$1"
  chmod 444 "$1"
}

random() { # 192 bits that need no quoting anywhere
  head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

for name in clickhouse_writer_password clickhouse_reader_password grafana_admin_password; do
  if [[ -s $name.txt ]]; then
    echo "kept     $name.txt"
  else
    random | put "$name.txt"
    echo "made     $name.txt"
  fi
done

sha256() { tr -d '\r\n' <"$1" | sha256sum | cut -d ' ' -f 1; }
put clickhouse_passwords.xml <<XML
<!-- Written by deploy/secrets.sh from the passwords beside it. -->
<clickhouse>
    <users>
        <faaswarden_writer><password_sha256_hex>$(sha256 clickhouse_writer_password.txt)</password_sha256_hex></faaswarden_writer>
        <grafana_reader><password_sha256_hex>$(sha256 clickhouse_reader_password.txt)</password_sha256_hex></grafana_reader>
    </users>
</clickhouse>
XML
echo "written  clickhouse_passwords.xml"

url=alertmanager_slack_url.txt
if [[ -n ${ALERTMANAGER_SLACK_URL:-} ]]; then
  printf %s "$ALERTMANAGER_SLACK_URL" | put "$url"
  echo "written  $url"
elif [[ -s $url ]]; then
  echo "kept     $url"
else
  printf %s http://receiver.invalid/ | put "$url"
  echo "made     $url: it leads nowhere, so alerts are only shown; set ALERTMANAGER_SLACK_URL and run this again"
fi
