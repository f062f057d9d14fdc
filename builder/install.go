package builder

// installScript has dpkg install and configure all packages of the build
// environment, which lie in /debs. The essential ones are unpacked already,
// so that dpkg and what maintainer scripts call can run; all are there, so
// that dpkg need not be told an order.
const installScript = `dpkg --force-depends --force-unsafe-io --force-confold \
  --path-exclude='/usr/share/doc/*' --path-exclude='/usr/share/man/*' --path-exclude='/usr/share/info/*' \
  --path-exclude='/usr/share/locale/*' --path-exclude='/usr/share/lintian/*' \
  --install /debs/*.deb
dpkg --audit`
