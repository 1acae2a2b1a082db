// A test against the simulator: replace `ask` by the client of your software.
import assert from 'node:assert/strict';
import https from 'node:https';
import { after, before, beforeEach, test } from 'node:test';
import { Simulator } from './simulator.js';

const QUESTION = `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:intf="http://kszbcss.fgov.be/intf/eHealthAttributesService/v1"><soapenv:Body>
  <intf:consultAttributesRequest>
    <informationCustomer><customerIdentification><cbeNumber>0999010126</cbeNumber></customerIdentification></informationCustomer>
    <legalContext>BACKTOWORK:ADVISORY_PHYSICIAN</legalContext>
    <criteria><ssin>85073099932</ssin></criteria>
  </intf:consultAttributesRequest>
</soapenv:Body></soapenv:Envelope>`;

let simulator;
let agent;
before(async () => {
    simulator = await Simulator.start();
    const [ca, cert, key] = await Promise.all(['ca.pem', 'clients/fund.pem', 'clients/fund.key'].map((name) => simulator.file(name)));
    agent = new https.Agent({ ca, cert, key, keepAlive: true });
});
after(async () => {
    agent.destroy();
    await simulator.stop();
});
beforeEach(() => simulator.fail());

function ask() {
    return new Promise((resolve, reject) => {
        const headers = { 'Content-Type': 'text/xml; charset=utf-8' };
        const request = https.request(simulator.consultUrl, { agent, method: 'POST', headers, timeout: 10_000 }, (answer) => {
            let text = '';
            answer.setEncoding('utf8').on('data', (piece) => { text += piece; });
            answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
        });
        request.on('error', reject).on('timeout', () => request.destroy(new Error('timeout')));
        request.end(QUESTION);
    });
}

test('an answer', async () => {
    assert.match((await ask()).text, /<code>MSG00000<\/code>/);
});

test('first 503, then the answer', async () => {
    await simulator.fail([{ kind: 'http', status: 503, retry_after: 1, times: 1 }]);
    const refused = await ask();
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1']);
    assert.match((await ask()).text, /<code>MSG00000<\/code>/);
});

test('a reset connection', async () => {
    await simulator.fail([{ kind: 'reset', times: 1 }]);
    await assert.rejects(ask(), { code: 'ECONNRESET' });
});
