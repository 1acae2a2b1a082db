// Signs a request with `soap` and sends it; see ../steps.sh.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const https = require('https');
const { createRequire } = require('module');
const load = createRequire(`${process.env.INTEROP_TARGET}/package.json`);
const soap = load('soap');
const axios = load('axios');

const env = process.env;
const read = (name) => fs.readFileSync(env[`SIGNING_${name}`]);
const isSent = env.SIGNING_URL !== '-';
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const ecdsa = 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256';

// ECDSA, which the package lacks: `ieee-p1363` is r and s without DER, as XML signatures have them.
class EcdsaSha256 {
    getAlgorithmName() { return ecdsa; }
    getSignature(info, { key }) {
        return crypto.createSign('sha256').update(info).sign({ key, dsaEncoding: 'ieee-p1363' }, 'base64');
    }
}

function security() {
    // Body and Timestamp are signed by default, with SHA-256. The token, too: its identifier is random, that of the
    // Body is `_0` in every program, and two equal signatures in one second would be a replay.
    const options = { additionalReferences: ['wsse:BinarySecurityToken'], signatureTransformations: [exclusive] };
    if (env.SIGNING_KIND === 'ec') options.signatureAlgorithm = ecdsa;
    const certificate = new soap.WSSecurityCert(read('SIGN_KEY'), read('SIGN_CERT').toString(), '', options);
    certificate.signer.SignatureAlgorithms[ecdsa] = EcdsaSha256;
    return certificate;
}

async function main() {
    const httpsAgent = isSent ? new https.Agent({ ca: read('CA'), cert: read('CERT'), key: read('KEY') }) : undefined;
    const request = axios.create({ httpsAgent, proxy: false });
    request.interceptors.request.use((config) => {
        fs.writeFileSync(env.SIGNING_OUT, config.data);
        if (!isSent) process.exit(0);
        return config;
    });
    const endpoint = isSent ? env.SIGNING_URL : 'https://localhost';
    const client = await soap.createClientAsync(env.SIGNING_WSDL, { request, endpoint });
    client.setSecurity(security());
    try {
        const [reply] = await client.consultAttributesAsync({
            informationCustomer: { customerIdentification: { cbeNumber: env.CBE } },
            legalContext: env.LEGAL_CONTEXT,
            criteria: { ssin: env.SSIN },
        });
        console.log(reply.status.code);
    } catch (error) {
        const fault = error.root?.Envelope?.Body?.Fault;
        if (!fault) throw error;
        console.log(fault.faultstring, fault.detail?.consultAttributesFault?.detail?.reasonCode ?? '-');
        process.exitCode = 3;
    }
}

main().catch((error) => { console.error(error.message); process.exit(1); });
