// Looks with a real browser at the pages of a catalog whose images are real.
//
//   node real.mjs CHROMIUM AXE URL-OF-THE-INDEX
import assert from 'node:assert/strict';
import { check, finish, index, open, root, sound, unspoiled } from './harness.mjs';

await sound([index, root + 'image/hello.html']);

await check('what was built is told', async (context) => {
  const page = await open(context, index);
  await page.type('#q', 'golang.org/x/sys');
  assert.equal(await page.$eval('tr:not([hidden]) .hit', (e) => e.textContent), 'contains golang.org/x/sys');
  await Promise.all([page.waitForNavigation(), page.click('tr:not([hidden]) th a')]);
  const text = (selector) => page.$eval(selector, (e) => e.textContent);
  assert.match(await text('h1'), /^hello 1\.1\.0/);
  assert.match(await text('#verify .said-good'), /Signed by sha256:[0-9a-f]{64}/);
  assert.match(await text('#packages'), /the signed SPDX document accounts for all of the image/);
  assert.match(await text('#changes'), /Since 1\.0\.0/);
  assert.match(await text('#changes'), /generic\/hello/);
  assert.match(await text('#tests'), /http GET \/healthz/);
  assert.match(await text('#runtime'), /65532:65532/);
  assert.match(await text('#vulnerabilities'), /It was not scanned/);
  assert.equal((await page.$$('.chart rect')).length, 2, 'bars of the chart');
  assert.equal((await page.$$('#versions tbody tr')).length, 2, 'versions');
  // A server audits, which files cannot.
  const audited = index.startsWith('http:');
  assert.equal(await page.$('#audit') !== null, audited);
  if (audited) assert.match(await text('#audit'), /identities holds: signed by sha256:[0-9a-f]{64}/);
  unspoiled(page);
});

await finish();
