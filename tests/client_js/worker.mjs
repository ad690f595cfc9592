import {parentPort, workerData} from "node:worker_threads";

const {createClient} = await import(workerData.module);
const client = createClient({base: workerData.base, mode: "bearer"});
const claims = await client.logIn("ada", workerData.password);
parentPort.postMessage(claims.username);
