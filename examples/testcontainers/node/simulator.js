// The simulator of ehealth-attributes as a container.
import { GenericContainer, Wait } from 'testcontainers';

const IMAGE = 'localhost/ehealth-attributes-simulator:0.1.0';
const [TLS_PORT, CONTROL_PORT] = [8443, 9080];

export class Simulator {
    /** Serves invented people over mutual TLS, and fails when a test demands it. */
    static async start(image = IMAGE) {
        const container = await new GenericContainer(image)
            .withCommand(['--listen', `0.0.0.0:${TLS_PORT}`, '--control', `0.0.0.0:${CONTROL_PORT}`])
            .withExposedPorts(TLS_PORT, CONTROL_PORT)
            .withTmpFs({ '/tmp': 'rw' })
            .withWaitStrategy(Wait.forLogMessage('Press Ctrl-C'))
            .start();
        return new Simulator(container);
    }

    constructor(container) {
        this.container = container;
    }

    stop() {
        return this.container.stop();
    }

    /** Address of `consultAttributes`, with the port of this machine. The certificate names localhost. */
    get consultUrl() {
        return `https://localhost:${this.container.getMappedPort(TLS_PORT)}/eHealthAttributesService/v1/consult`;
    }

    /** Content of `ca.pem`, `clients/fund.pem`, `clients/fund.key` … */
    async file(name) {
        return (await this.#control(`files/${name}`)).text();
    }

    /** Replaces the failures, for example `fail([{ kind: 'http', status: 503, times: 1 }])`. */
    async fail(failure = [], outage = {}) {
        await this.#control('plan', {
            method: 'PUT',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ failure, outage }),
        });
    }

    /** What the simulator received. */
    async received() {
        return (await (await this.#control('requests')).json()).requests;
    }

    async #control(path, options) {
        const port = this.container.getMappedPort(CONTROL_PORT);
        const answer = await fetch(`http://${this.container.getHost()}:${port}/v1/${path}`, options);
        if (!answer.ok) throw new Error(await answer.text());
        return answer;
    }
}
