// Asks the questions of standard input with `strong-soap`; see ../steps.sh.
'use strict';
const fs = require('fs');
const { answerAll, ca, clients, isDay, load, services } = require('../disclosed.js');
const { soap } = load('strong-soap');

async function open(word) {
    const security = new soap.ClientSSLSecurity(`${clients}/${word}.key`, `${clients}/${word}.pem`, ca);
    const [cert, key, authority] = [`${clients}/${word}.pem`, `${clients}/${word}.key`, ca].map((file) => fs.readFileSync(file));
    const options = { wsdl_options: { cert, key, ca: authority } };
    return Promise.all(services.map(([url, operation]) => new Promise((resolve, reject) => {
        soap.createClient(url, options, (failure, client) => {
            if (failure) return reject(failure);
            client.setSecurity(security);
            return resolve((message) => new Promise((done, fail) => {
                // It wants the body's element named, too.
                client[operation]({ [`${operation}Request`]: message }, (error, reply) => (error ? fail(error) : done(reply)));
            }));
        });
    })));
}

console.log(`VERSION\tstrong-soap ${load('strong-soap/package.json').version}, Node ${process.versions.node}`);
// It would send 2 March for 30 February.
const canSend = (criteria) => !criteria.referenceDate || isDay(criteria.referenceDate);
answerAll(open, canSend).then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
