// Opens the admin page in Chromium and lets its script refresh it, in a time that the test advances.
//
// Arguments: the folder node_modules with playwright-core, the path of Chromium, the address of the page. Standard output: one
// JSON object that says what was kept and what was replaced.
const path = require('path');

const [modules, executablePath, address] = process.argv.slice(2);
const { chromium } = require(path.join(modules, 'playwright-core'));

async function main() {
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'], headless: true });
    try {
        const page = await browser.newPage({ viewport: { width: 800, height: 600 } });
        const complaints = [];
        page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
        page.on('pageerror', (error) => complaints.push(String(error)));
        await page.clock.install();
        await page.goto(address);
        await page.evaluate(() => {
            for (const part of document.querySelectorAll('[data-live]')) part.marker = true;
            for (const id of ['history-values', 'settings']) document.getElementById(id).open = true;
            document.querySelector('#datasets .scroll').focus();
            window.scrollTo(0, 300);
        });
        const before = await page.evaluate(() => window.scrollY);
        await page.clock.runFor(10000);
        await page.waitForFunction(() => !document.getElementById('audit-log').marker);
        const refreshed = await page.evaluate(() => ({
            replaced: [...document.querySelectorAll('[data-live]')].filter((part) => !part.marker).map((part) => part.id),
            kept: [...document.querySelectorAll('[data-live]')].filter((part) => part.marker).map((part) => part.id),
            open: [...document.querySelectorAll('details[open]')].map((part) => part.id),
            focused: document.activeElement.closest('section')?.id,
            scrolled: window.scrollY,
            text: document.getElementById('refresh').textContent,
        }));
        const quiet = [...complaints];
        await page.route('**/*', (route) => route.abort());
        await page.clock.runFor(10000);
        await page.waitForFunction(() => document.getElementById('refresh').textContent !== '');
        const old = await page.evaluate(() => document.getElementById('refresh').textContent);
        console.log(JSON.stringify({ ...refreshed, before, complaints: quiet, old }));
    } finally {
        await browser.close();
    }
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
