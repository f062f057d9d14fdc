// Looks at a catalog's pages with a real browser: that they do what they are
// for, by mouse and by keyboard, on a screen and on a phone, in light and in
// dark, and that nothing about them is an error, to anybody.
//
//   node browser.mjs CHROMIUM AXE URL-OF-THE-INDEX
//
// The pages are those of made-up facts, recipes/site/testdata/catalog.json.
// It says which checks hold, and exits with 1 where one does not.
import assert from 'node:assert/strict';
import { check, finish, index, open, root, sound, unspoiled } from './harness.mjs';

const names = ['broken', 'caddy', 'etcd', 'hostile', 'nats', 'nginx', 'valkey'];
const pages = [index, ...names.map((n) => `${root}image/${n}.html`)];

const shown = (page) => page.$$eval('#images tbody tr:not([hidden]) th a', (list) => list.map((a) => a.textContent));
const count = (page) => page.$eval('#count', (e) => e.textContent);
const search = async (page, text) => { await page.focus('#q'); await page.keyboard.type(text); };
const focused = (page) => page.evaluate(() => document.activeElement.outerHTML.slice(0, 60));

await sound(pages);

await check('search finds names, words and packages', async (context) => {
  const page = await open(context, index);
  assert.deepEqual(await shown(page), names);
  assert.equal(await count(page), '7 images');
  await search(page, 'NATS');
  assert.deepEqual(await shown(page), ['nats']);
  assert.equal(await count(page), '1 of 7 images');
  await page.click('#clear');
  assert.deepEqual(await shown(page), names);
  await search(page, 'web server');
  assert.deepEqual(await shown(page), ['caddy', 'nginx']);
  await page.click('#clear');
  await search(page, 'libssl3');
  assert.deepEqual(await shown(page), ['nginx']);
  assert.equal(await page.$eval('tr:not([hidden]) .hit', (e) => e.textContent), 'contains libssl3t64');
  await page.click('#clear');
  await search(page, '1.30.0');
  assert.deepEqual(await shown(page), ['nginx']);
  await page.click('#clear');
  await search(page, '</script>');
  assert.deepEqual(await shown(page), ['hostile']);
  await page.click('#clear');
  await search(page, 'no such image');
  assert.deepEqual(await shown(page), []);
  assert.ok(await page.$eval('#none', (e) => e.checkVisibility()));
  assert.ok(!await page.$eval('#images', (e) => e.checkVisibility()));
  unspoiled(page);
});

await check('filters narrow by status, category, platform and age, and stay in the address', async (context) => {
  const page = await open(context, index);
  await page.select('#status', 'bad');
  assert.deepEqual(await shown(page), ['broken', 'nginx', 'valkey']);
  await page.select('#platform', 'linux/arm64');
  assert.deepEqual(await shown(page), ['valkey']);
  await page.reload();
  assert.deepEqual(await shown(page), ['valkey']);
  assert.equal(await page.$eval('#status', (e) => e.value), 'bad');
  await page.click('#clear');
  await page.select('#category', 'web');
  assert.deepEqual(await shown(page), ['caddy', 'nginx']);
  assert.ok(page.url().endsWith('#category=web'), page.url());
  await page.click('#clear');
  assert.ok(!page.url().includes('#'), page.url());
  unspoiled(page);
});

await check('ages are those of the moment', async (context) => {
  const day = 'Date.now = () => Date.parse("2026-11-22T12:00:00Z")';
  const page = await open(context, index, { before: day });
  assert.equal(await page.$eval('tr[data-i="4"] td .age', (e) => e.textContent), '4 days ago');
  for (const [value, want] of Object.entries({ 7: ['hostile', 'nats'], 30: ['hostile', 'nats', 'valkey'], '-90': ['etcd', 'nginx'] })) {
    await page.select('#age', value);
    assert.deepEqual(await shown(page), want, value);
  }
  unspoiled(page);
});

await check('columns sort', async (context) => {
  const page = await open(context, index);
  const sort = async (name) => { await page.click(`th[data-sort=${name}] button`); return page.$eval(`th[data-sort=${name}]`, (e) => e.ariaSort); };
  assert.equal(await sort('name'), 'descending');
  assert.deepEqual(await shown(page), names.toReversed());
  assert.equal(await sort('size'), 'descending');
  assert.deepEqual((await shown(page)).slice(0, 3), ['nginx', 'etcd', 'hostile']);
  assert.equal(await sort('version'), 'ascending');
  assert.deepEqual((await shown(page)).filter((n) => n !== 'broken' && n !== 'hostile'), ['nginx', 'caddy', 'nats', 'etcd', 'valkey'], '1.30.0 < 2.11.0 < 2.15.2');
  assert.equal(await page.$$eval('th[aria-sort]', (l) => l.length), 1);
  unspoiled(page);
});

await check('the keyboard is enough', async (context) => {
  const page = await open(context, index);
  await page.keyboard.press('Tab');
  assert.match(await focused(page), /class="skip"/);
  await page.keyboard.press('Enter');
  assert.match(await focused(page), /id="images"/);
  await page.keyboard.press('/');
  assert.match(await focused(page), /id="q"/);
  await page.keyboard.type('nats/');
  assert.equal(await page.$eval('#q', (e) => e.value), 'nats/');
  await page.keyboard.press('Backspace');
  for (let i = 0; i < 30 && !/<a href="image/.test(await focused(page)); i++) {
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, 'none', 'nobody sees the focus of ' + await focused(page));
  }
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  assert.ok(page.url().endsWith('/image/nats.html'), page.url());
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.match(await focused(page), /id="content"/);
  unspoiled(page);
});

await check('pages lead to each other', async (context) => {
  const page = await open(context, index);
  await Promise.all([page.waitForNavigation(), page.click('a[href="image/nginx.html"]')]);
  assert.match(await page.$eval('h1', (e) => e.textContent), /^nginx 1\.30\.0/);
  const links = await page.$$eval('.sections a', (list) => list.map((a) => a.hash.slice(1)));
  assert.ok(links.length > 7);
  for (const id of links) assert.ok(await page.$(`section#${id} h2`), `there is no section ${id}`);
  await page.click('.sections a[href="#packages"]');
  assert.ok(page.url().endsWith('#packages'));
  await Promise.all([page.waitForNavigation(), page.click('.about a.chip')]);
  assert.deepEqual(await shown(page), ['caddy', 'nginx'], 'of the category web');
  await Promise.all([page.waitForNavigation(), page.click('a[href="image/caddy.html"]')]);
  await Promise.all([page.waitForNavigation(), page.click('.trail a')]);
  assert.deepEqual(await shown(page), names);
  unspoiled(page);
});

// paste is what somebody would get who pastes now.
const paste = async (context) => {
  const page = await open(context, index);
  await page.focus('#q');
  await page.keyboard.down('Control');
  await page.keyboard.press('KeyV', { commands: ['paste'] });
  await page.keyboard.up('Control');
  return page.$eval('#q', (e) => e.value);
};
const withoutClipboard = 'Object.defineProperty(navigator, "clipboard", { value: undefined })';
for (const [how, before] of [['', undefined], [', where scripts have no clipboard', withoutClipboard]]) {
  await check('commands and digests are copied' + how, async (context) => {
    const page = await open(context, root + 'image/nats.html', { before });
    const digest = 'sha256:' + 'a'.repeat(64);
    for (const [selector, want] of [
      ['#use .command .copy', 'docker pull registry.corp/platform/nats:2.15.2'],
      ['#verify .command .copy', `kiln verify registry.corp/platform/nats@${digest} --key platform.pub`],
      ['#versions tr.now .copy', digest],
    ]) {
      await page.bringToFront();
      await page.focus(selector);
      await page.keyboard.press('Enter');
      await page.waitForFunction((s) => document.querySelector(s).textContent === 'Copied', {}, selector);
      assert.match(await page.$eval('#said', (e) => e.textContent), /^Copied /);
      assert.equal(await paste(context), want);
    }
    unspoiled(page);
  });
}

await check('packages are filtered', async (context) => {
  const page = await open(context, root + 'image/nats.html');
  await page.type('.within input', 'golang.org/x');
  assert.equal((await page.$$('#packages tbody tr:not([hidden])')).length, 3);
  unspoiled(page);
});

await check('foreign text is text', async (context) => {
  const page = await open(context, root + 'image/hostile.html');
  assert.match(await page.$eval('.lede', (e) => e.textContent), /<script>alert\(1\)<\/script>/);
  assert.deepEqual(await page.$$eval('main a, .about a', (l) => l.map((a) => a.protocol).filter((p) => !/^(https?|file):$/.test(p))), []);
  unspoiled(page);
});

await check('all can be read without scripts', async (context) => {
  const page = await context.newPage();
  await page.setJavaScriptEnabled(false);
  await page.goto(index);
  const visible = (selector) => page.$$eval(selector, (l) => l.filter((e) => e.checkVisibility()).length);
  assert.equal(await visible('#images tbody tr'), 7);
  assert.equal(await visible('#filters'), 0);
  await Promise.all([page.waitForNavigation(), page.click('a[href="image/nats.html"]')]);
  assert.equal(await visible('section h2'), 10);
  assert.equal(await visible('#packages tbody tr'), 14);
  assert.equal(await visible('button'), 0);
});

await finish();
