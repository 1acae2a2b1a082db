// Asks the questions of standard input with `soap`; see ../steps.sh.
'use strict';
const fs = require('fs');
const https = require('https');
const { answerAll, ca, clients, load, services } = require('../disclosed.js');
const soap = load('soap');
const axios = load('axios');

async function open(word) {
    const [cert, key, authority] = [`${clients}/${word}.pem`, `${clients}/${word}.key`, ca].map((file) => fs.readFileSync(file));
    const httpsAgent = new https.Agent({ cert, key, ca: authority, keepAlive: true });
    const options = {
        request: axios.create({ httpsAgent, proxy: false }),
        // Without this a day becomes a moment of the caller's own time zone.
        customDeserializer: { date: (text) => text },
    };
    return Promise.all(services.map(async ([url, operation, endpoint]) => {
        const client = await soap.createClientAsync(url, { ...options, endpoint });
        return async (message) => (await client[`${operation}Async`](message))[0];
    }));
}

console.log(`VERSION\tsoap ${load('soap/package.json').version}, Node ${process.versions.node}`);
answerAll(open).then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
