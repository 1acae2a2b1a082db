// Opens pages in Chromium and checks each with axe-core, in both colour schemes and at two widths.
//
// Arguments: the folder node_modules with axe-core and playwright-core, the path of Chromium, and a folder for screenshots.
// Standard input: the path of a page, one a line. Standard output: one JSON object a check, with the page, the scheme, the
// width, the number of rules that passed, the findings (violations, and what axe could not decide) and whether the page is
// wider than the window.
const fs = require('fs');
const path = require('path');

const [modules, executablePath, pictures] = process.argv.slice(2);
const { chromium } = require(path.join(modules, 'playwright-core'));
const axe = path.join(modules, 'axe-core', 'axe.min.js');
const FLAGS = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
];

function finding(kind, result) {
    const nodes = result.nodes.slice(0, 3).map((node) => node.html.slice(0, 200));
    return { kind, rule: result.id, help: result.help, count: result.nodes.length, nodes };
}

async function check(browser, file, colorScheme, width) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    await page.goto(`file://${file}`);
    await page.addScriptTag({ path: axe });
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations', 'incomplete', 'passes'] }));
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    const name = `${path.basename(file, '.html')}-${colorScheme}-${width}.png`;
    await page.screenshot({ path: path.join(pictures, name), fullPage: true });
    await context.close();
    const findings = found.violations.map((result) => finding('violation', result))
        .concat(found.incomplete.map((result) => finding('undecided', result)));
    return { page: path.basename(file, '.html'), scheme: colorScheme, width, passed: found.passes.length, findings, overflow };
}

async function main() {
    const files = fs.readFileSync(0, 'utf8').split('\n').filter((line) => line !== '');
    const browser = await chromium.launch({ executablePath, args: FLAGS, headless: true });
    try {
        for (const file of files) {
            for (const scheme of ['light', 'dark']) {
                for (const width of [390, 1280]) {
                    console.log(JSON.stringify(await check(browser, file, scheme, width)));
                }
            }
        }
    } finally {
        await browser.close();
    }
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
