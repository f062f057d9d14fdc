# Java programs read neither proxies nor authorities from the environment, and
# Maven and Gradle take no credentials from a URL. This leaves settings.xml for
# Maven, and for all of them $network, $repository, $KILN_USER, $KILN_PASSWORD.
proxy=${http_proxy#*://} proxy=${proxy%/}
keytool -importcert -noprompt -alias kiln -file "$SSL_CERT_FILE" -keystore /tmp/authorities -storepass public >/tmp/keytool 2>&1 || {
  cat /tmp/keytool >&2; exit 1
}
network="-Djavax.net.ssl.trustStore=/tmp/authorities -Djavax.net.ssl.trustStorePassword=public"
for scheme in http https; do
  network="$network -D$scheme.proxyHost=${proxy%:*} -D$scheme.proxyPort=${proxy##*:}"
done

plain() { printf %s "$1" | perl -pe 's/%([0-9A-Fa-f]{2})/chr hex $1/ge'; }
repository=$KILN_MAVEN login=
case $repository in
*@*)
  login=${repository#*://} login=${login%@*}
  repository=${repository%%://*}://${repository##*@}
  ;;
esac
KILN_USER=$(plain "${login%%:*}") KILN_PASSWORD=$(plain "${login#*:}")
export KILN_USER KILN_PASSWORD
unset KILN_MAVEN

{
  echo "<settings><mirrors><mirror><id>kiln</id><mirrorOf>*</mirrorOf><url>$repository</url></mirror></mirrors><proxies>"
  for scheme in http https; do
    echo "<proxy><id>$scheme</id><protocol>$scheme</protocol><host>${proxy%:*}</host><port>${proxy##*:}</port></proxy>"
  done
  echo "</proxies>"
  test -z "$login" || echo '<servers><server><id>kiln</id><username>${env.KILN_USER}</username><password>${env.KILN_PASSWORD}</password></server></servers>'
  echo "</settings>"
} >/tmp/settings.xml
