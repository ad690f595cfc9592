// Times fast-jwt and jsonwebtoken on request: one JSON object per line in, one out.
import { createPrivateKey, createPublicKey, createSecretKey, randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const require = createRequire(import.meta.url)

function newClaims ({ issuer, audience, subject, lifetime, own }) {
  const iat = Math.floor(Date.now() / 1000)
  return { iss: issuer, aud: audience, sub: subject, iat, exp: iat + lifetime, jti: randomUUID(), ...own }
}

function fastJwt (scene) {
  const { createSigner, createVerifier } = require('fast-jwt')
  const verify = createVerifier({
    key: scene.publicPem || scene.secret,
    algorithms: [scene.algorithm],
    allowedIss: scene.issuer,
    allowedAud: scene.audience,
    requiredClaims: ['exp', ...scene.required],
    cache: false
  })
  const claims = newClaims(scene)
  const sign = createSigner({ key: scene.secret, algorithm: scene.algorithm, typ: scene.typ })
  return { verify: () => verify(scene.token), sign: () => sign(claims) }
}

function jsonwebtoken (scene) {
  const jwt = require('jsonwebtoken')
  const isShared = scene.algorithm === 'HS256'
  const signing = isShared ? createSecretKey(Buffer.from(scene.secret)) : createPrivateKey(scene.secret)
  const verifying = isShared ? signing : createPublicKey(scene.publicPem)
  const asked = { algorithms: [scene.algorithm], issuer: scene.issuer, audience: scene.audience }
  const required = ['exp', ...scene.required]
  const claims = newClaims(scene)
  const told = { algorithm: scene.algorithm, header: { alg: scene.algorithm, typ: scene.typ } }
  return {
    verify: () => {
      const verified = jwt.verify(scene.token, verifying, asked)
      for (const name of required) {
        if (verified[name] === undefined) throw new Error(`no ${name}`)
      }
      return verified
    },
    sign: () => jwt.sign({ ...claims }, signing, told)
  }
}

const makers = { 'fast-jwt': fastJwt, jsonwebtoken }
const works = new Map()

function answer (request) {
  const name = `${request.contestant} ${request.algorithm} ${request.operation}`
  if (request.scene) {
    const made = makers[request.contestant](request.scene)
    const version = require(`${request.contestant}/package.json`).version
    for (const [operation, work] of Object.entries(made)) {
      const result = work()
      if (!result) throw new Error(`${operation} did nothing`)
      works.set(`${request.contestant} ${request.algorithm} ${operation}`, work)
    }
    return { version }
  }
  const work = works.get(name)
  const started = process.hrtime.bigint()
  for (let i = 0; i < request.loops; i++) work()
  return { ns: Number(process.hrtime.bigint() - started) / request.loops }
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply
  try {
    reply = answer(JSON.parse(line))
  } catch (error) {
    reply = { error: String(error.message).split('\n')[0] }
  }
  process.stdout.write(JSON.stringify(reply) + '\n')
}
