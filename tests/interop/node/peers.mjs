// Node's libraries behind a pipe: one JSON request per line, one JSON answer.
import { readFileSync } from 'node:fs'
import crypto from 'node:crypto'
import readline from 'node:readline'
import fastJwt from 'fast-jwt'
import * as jose from 'jose'
import jsonwebtoken from 'jsonwebtoken'

const CURVES = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }
const octets = (secret) => Buffer.from(secret, 'base64url')

function generatePems(algorithm) {
  const encodings = {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }
  if (CURVES[algorithm]) {
    return crypto.generateKeyPairSync('ec', { namedCurve: CURVES[algorithm], ...encodings })
  }
  if (algorithm.startsWith('Ed')) return crypto.generateKeyPairSync('ed25519', encodings)
  return crypto.generateKeyPairSync('rsa', { modulusLength: 2048, ...encodings })
}

function pemsAndJwks(algorithm, kid) {
  const { publicKey, privateKey } = generatePems(algorithm)
  const named = { alg: algorithm, kid }
  const publicJwk = { ...crypto.createPublicKey(publicKey).export({ format: 'jwk' }), ...named }
  const privateJwk = { ...crypto.createPrivateKey(privateKey).export({ format: 'jwk' }), ...named }
  return {
    PEM: [privateKey, publicKey],
    JWK: [privateJwk, publicJwk],
    JWKS: [privateJwk, { keys: [publicJwk] }],
  }
}

// A key object of Node's own for libraries that take such.
function nodeKey(form, key, token, isPrivate) {
  if (form === 'octets') return octets(key)
  if (form === 'PEM') return key
  let jwk = key
  if (form === 'JWKS' && !isPrivate) {
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0], 'base64url'))
    jwk = key.keys.find((each) => each.kid === kid)
  }
  if (jwk.kty === 'oct') return crypto.createSecretKey(octets(jwk.k))
  return (isPrivate ? crypto.createPrivateKey : crypto.createPublicKey)({ key: jwk, format: 'jwk' })
}

async function joseKey(form, key, algorithm, isPrivate) {
  if (form === 'octets') return octets(key)
  if (form === 'PEM') return (isPrivate ? jose.importPKCS8 : jose.importSPKI)(key, algorithm)
  if (form === 'JWKS' && !isPrivate) return jose.createLocalJWKSet(key)
  return jose.importJWK(key, algorithm)
}

const libraries = {
  jose: {
    async make(algorithm) {
      const pair = await jose.generateKeyPair(algorithm, { extractable: true })
      const publicJwk = { ...(await jose.exportJWK(pair.publicKey)), alg: algorithm }
      publicJwk.kid = await jose.calculateJwkThumbprint(publicJwk)
      const privateJwk = { ...(await jose.exportJWK(pair.privateKey)), alg: algorithm }
      privateJwk.kid = publicJwk.kid
      return {
        PEM: [await jose.exportPKCS8(pair.privateKey), await jose.exportSPKI(pair.publicKey)],
        JWK: [privateJwk, publicJwk],
        JWKS: [privateJwk, { keys: [publicJwk] }],
      }
    },
    async sign({ algorithm, form, key, kid, claims }) {
      const header = kid ? { alg: algorithm, kid } : { alg: algorithm }
      const signer = await joseKey(form, key, algorithm, true)
      return new jose.SignJWT(claims).setProtectedHeader(header).sign(signer)
    },
    async verify({ algorithm, form, key, token }) {
      const verifier = await joseKey(form, key, algorithm, false)
      const { payload } = await jose.jwtVerify(token, verifier, { algorithms: [algorithm] })
      return payload
    },
  },
  jsonwebtoken: {
    make: (algorithm) => pemsAndJwks(algorithm, 'made-by-node'),
    sign({ algorithm, form, key, kid, claims }) {
      const options = { algorithm, ...(kid ? { keyid: kid } : {}) }
      return jsonwebtoken.sign(claims, nodeKey(form, key, '', true), options)
    },
    verify({ algorithm, form, key, token }) {
      return jsonwebtoken.verify(token, nodeKey(form, key, token, false), { algorithms: [algorithm] })
    },
  },
  'fast-jwt': {
    make(algorithm) {
      const { PEM } = pemsAndJwks(algorithm, 'made-by-node')
      return { PEM }
    },
    sign({ algorithm, form, key, kid, claims }) {
      const signer = nodeKey(form, key, '', true)
      const options = { algorithm, key: signer, ...(kid ? { kid } : {}) }
      return fastJwt.createSigner(options)(claims)
    },
    verify({ algorithm, form, key, token }) {
      const verifier = nodeKey(form, key, token, false)
      return fastJwt.createVerifier({ algorithms: [algorithm], key: verifier })(token)
    },
  },
}

async function answer(request) {
  if (request.action === 'version') {
    const path = new URL(`./node_modules/${request.library}/package.json`, import.meta.url)
    return JSON.parse(readFileSync(path)).version
  }
  const library = libraries[request.library]
  if (request.action === 'make') return library.make(request.algorithm)
  return library[request.action](request)
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  let result
  try {
    result = { result: await answer(JSON.parse(line)) }
  } catch (error) {
    result = { error: `${error.name}: ${error.message}` }
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
