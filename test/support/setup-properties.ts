/**
 * Property tests try the same values on every run, so that a red run is the change's own doing. PROPERTY_SEED=N tries
 * others, PROPERTY_SEED=random new ones each time: worth a few rounds whenever what they test has changed.
 */
import fc from 'fast-check';

const wanted = process.env['PROPERTY_SEED'] ?? '1';
if (wanted !== 'random') {
  if (!/^-?\d+$/.test(wanted)) throw new Error(`PROPERTY_SEED is a whole number or "random", not ${wanted}`);
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(wanted) });
}
