#!/usr/bin/env bash
# Starts Debian's dovecot and postfix for the tests, on loopback ports and in a directory of their own, and prints TEST_MAIL: where they
# are, as JSON. Installs them where they are missing. Needs root: postfix starts as nobody else. With `stop` it ends both servers.
#
# Who is there: ada@, ben@ and cleo@drover.example (senders), pat@, sam@ and lea@acme.example (leads), full@acme.example (no room left);
# the password of all is in the JSON. refused@acme.example is refused at RCPT, later@acme.example put off; anybody else at acme.example
# comes back as a delivery status notification; what is written to any other .example domain comes into crowd@acme.example, except to
# elsewhere.example, which is as unreachable as the rest of the world.
set -euo pipefail

state="${DROVER_TEST_MAIL:-${TMPDIR:-/tmp}/drover-test-mail}"
smtps=25465 submission=25587 imaps=25993 imap=25143
password='pass word'

stop() {
  [ -f "$state/postfix/main.cf" ] && postfix -c "$state/postfix" stop >/dev/null 2>&1 || true
  [ -f "$state/dovecot.conf" ] && doveadm -c "$state/dovecot.conf" stop >/dev/null 2>&1 || true
}
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
report() {
  printf '{"smtps":%d,"submission":%d,"imaps":%d,"imap":%d,"ca":"%s","password":"%s","mail":"%s"}\n' \
    $smtps $submission $imaps $imap "$state/tls/ca.pem" "$password" "$state/mail"
}

if [ "${1:-}" = stop ]; then stop; exit 0; fi
if answers $smtps && answers $imaps; then report; exit 0; fi
[ "$(id -u)" = 0 ] || { echo "The mail servers of the tests need root: postfix starts as nobody else." >&2; exit 1; }

missing() { ! command -v postfix || ! command -v dovecot || ! [ -x /usr/lib/dovecot/lmtp ]; }
if missing >/dev/null; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    dovecot-imapd dovecot-lmtpd postfix openssl; } >/dev/null 2>&1 || true
fi
if missing >/dev/null; then echo "Debian's dovecot-imapd, dovecot-lmtpd and postfix could not be installed." >&2; exit 1; fi

stop
mkdir -p "$state"/{tls,mail,dovecot,postfix,queue,data}
chmod 755 "$state"
chown nobody:nogroup "$state/mail"
chown postfix "$state/data"

if [ ! -f "$state/tls/server.pem" ]; then
  cd "$state/tls"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj '/CN=Drover test mail authority' \
    -keyout ca.key -out ca.pem 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=localhost' -keyout server.key -out server.csr 2>/dev/null
  openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out server.pem \
    -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE') 2>/dev/null
  chmod 600 ./*.key
  cd - >/dev/null
fi

for user in {ada,ben,cleo}@drover.example {pat,sam,lea,crowd}@acme.example; do
  echo "$user:{PLAIN}$password::::::"
done >"$state/users"
echo "full@acme.example:{PLAIN}$password::::::userdb_quota_rule=*:storage=1B" >>"$state/users"
chmod 644 "$state/users"

cat >"$state/dovecot.conf" <<CONF
protocols = imap lmtp
listen = 127.0.0.1
base_dir = $state/dovecot
state_dir = $state/dovecot
instance_name = drover-test
log_path = $state/dovecot.log
ssl = required
ssl_cert = <$state/tls/server.pem
ssl_key = <$state/tls/server.key
mail_location = maildir:$state/mail/%u
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
first_valid_gid = 1
mail_plugins = quota
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_grace = 0
}
protocol lmtp {
  postmaster_address = postmaster@drover.example
}
namespace inbox {
  inbox = yes
  mailbox Sent {
    auto = subscribe
    special_use = \Sent
  }
}
passdb {
  driver = passwd-file
  args = $state/users
}
userdb {
  driver = passwd-file
  args = $state/users
}
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  inet_listener imap {
    port = $imap
  }
  inet_listener imaps {
    port = $imaps
    ssl = yes
  }
}
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
}
service auth {
  unix_listener sasl {
    mode = 0666
  }
}
CONF

apart='drover|mail\.drover|acme|elsewhere'
printf 'if /\\.example$/\n!/^(%s)\\.example$/ crowd\nendif\n' "$apart" >"$state/crowd-domains"
printf 'if /\\.example$/\n!/@(%s)\\.example$/ crowd@acme.example\nendif\n' "$apart" >"$state/crowd"

cat >"$state/postfix/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $state/queue
data_directory = $state/data
maillog_file = $state/postfix.log
maillog_file_prefixes = $state
myhostname = mail.drover.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
smtpd_tls_chain_files = $state/tls/server.key, $state/tls/server.pem
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = $state/dovecot/sasl
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions =
  check_recipient_access inline:{ { refused@acme.example = REJECT 5.1.1 User unknown }, { later@acme.example = DEFER 4.2.0 Greylisted } },
  permit_sasl_authenticated, reject
virtual_mailbox_domains = drover.example, acme.example
virtual_alias_domains = regexp:$state/crowd-domains
virtual_alias_maps = regexp:$state/crowd
virtual_transport = lmtp:unix:$state/dovecot/lmtp
default_transport = error:5.1.2 The tests reach no other domain
relay_transport = error:5.1.2 The tests reach no other domain
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
CONF

cat >"$state/postfix/master.cf" <<CONF
127.0.0.1:$smtps      inet  n - n - - smtpd -o smtpd_tls_wrappermode=yes
127.0.0.1:$submission inet  n - n - - smtpd -o smtpd_tls_security_level=encrypt
postlog   unix-dgram n - n - 1 postlogd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
retry     unix  - - n - - error
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
CONF

dovecot -c "$state/dovecot.conf"
postfix -c "$state/postfix" start >/dev/null 2>"$state/postfix.err" || { cat "$state/postfix.err" >&2; exit 1; }
for _ in $(seq 50); do
  if answers $smtps && answers $submission && answers $imaps && answers $imap; then report; exit 0; fi
  sleep 0.1
done
echo "The mail servers did not start; their logs are in $state." >&2
exit 1
