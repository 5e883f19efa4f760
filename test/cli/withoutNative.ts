/**
 * Loaded by NODE_OPTIONS=--import: an installation without the packages that only workers need, as a producer's image.
 */
import { register } from 'node:module';

const LACKS = /^(onnxruntime-node|sharp|@tensorflow\/.*|libsvm-js)($|\/)/;

const hooks = `
  const lacks = ${LACKS};
  export async function resolve(name, context, next) {
    const [, found] = lacks.exec(name) ?? [];
    if (found === undefined) return next(name, context);
    const error = new Error("Cannot find package '" + found + "' imported from " + context.parentURL);
    throw Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' });
  }
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
