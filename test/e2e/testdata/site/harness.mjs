// A browser, checks in it, and what every page of a catalog must bear.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import puppeteer from 'puppeteer-core';

export const [chromium, axeFile, index] = process.argv.slice(2);
export const root = index.slice(0, index.lastIndexOf('/') + 1);
const axeSource = fs.readFileSync(axeFile, 'utf8');

// Chromium refuses its sandbox to root, whom the end-to-end tests need.
const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: ['--no-sandbox', '--disable-gpu'] });
let failed = 0;
export const check = async (name, f) => {
  const context = await browser.createBrowserContext();
  try {
    await f(context);
    console.log('ok   ' + name);
  } catch (e) {
    failed++;
    console.log('FAIL ' + name + '\n' + e.message);
  }
  await context.close();
};

// open opens a page that keeps what went wrong in it, and what it asked for.
export const open = async (context, url, { scheme = 'light', width = 1280, before } = {}) => {
  const page = await context.newPage();
  page.wrong = [];
  page.on('console', (m) => page.wrong.push(`${m.type()}: ${m.text()}`));
  page.on('pageerror', (e) => page.wrong.push(e.message));
  page.on('dialog', (d) => { page.wrong.push('a dialog: ' + d.message()); d.dismiss(); });
  page.on('request', (r) => { if (!r.url().startsWith(root) && !r.url().startsWith('data:')) page.wrong.push('a request: ' + r.url()); });
  await page.evaluateOnNewDocument(() => document.addEventListener('securitypolicyviolation', (e) => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI)));
  if (before) await page.evaluateOnNewDocument(before);
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }]);
  await page.setViewport({ width, height: 850 });
  await page.goto(url);
  return page;
};
export const unspoiled = (page) => assert.deepEqual(page.wrong, [], 'what went wrong in the page');

// finish ends the browser and the program.
export const finish = async () => {
  await browser.close();
  process.exit(failed ? 1 : 0);
};

// sound checks that nothing about the pages is an error, to anybody.
export const sound = async (pages) => {
  for (const scheme of ['light', 'dark']) {
    await check(`axe finds nothing in any page, ${scheme}`, async (context) => {
      for (const url of pages) {
        const page = await open(context, url, { scheme });
        for (const details of await page.$$('details')) await details.evaluate((d) => { d.open = true; });
        await page.evaluate(axeSource);
        const { violations, passes } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations', 'passes'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
        const list = violations.map((v) => `${v.id}: ${v.help}: ` + v.nodes.map((n) => n.html + ' ' + n.failureSummary).join('; '));
        assert.deepEqual(list, [], url);
        assert.ok(passes.some((p) => p.id === 'color-contrast'), url + ': contrast was not looked at');
        const [r, g, b] = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g).map(Number));
        assert.equal(r + g + b > 384, scheme === 'light', `${url}: the paper is rgb(${r}, ${g}, ${b})`);
        unspoiled(page);
        await page.close();
      }
    });
  }

  await check('nothing is wider than a phone, or than a screen', async (context) => {
    for (const url of pages) {
      const page = await open(context, url);
      for (const details of await page.$$('details')) await details.evaluate((d) => { d.open = true; });
      for (const width of [320, 390, 768, 1280]) {
        await page.setViewport({ width, height: 850, isMobile: width < 700, hasTouch: width < 700 });
        const scroll = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(scroll <= width, `${url} is ${scroll} wide at ${width}`);
      }
      unspoiled(page);
      await page.close();
    }
  });
};
