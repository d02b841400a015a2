/** The polynomial of CRC-32 (IEEE 802.3), its bits in reverse, as zlib has it. */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;
const X = 0x40000000;

/** x^(2^n) modulo the polynomial. */
const POWERS: readonly number[] = powersOfX();

/**
 * The CRC-32 of bytes of which the first part has the CRC `first`, and the rest, so many bytes, has `second`. What it
 * takes grows with the logarithm of `secondBytes`: the method of crc32_combine in zlib (https://zlib.net).
 */
export function crcOfBoth(first: number, second: number, secondBytes: number): number {
  let shift = ONE;
  // A byte is 8 = 2^3 bits.
  for (let n = 3, left = secondBytes; left > 0; n++, left = Math.floor(left / 2)) {
    if (left % 2 === 1) shift = multiply(POWERS[n % 32]!, shift);
  }
  return (multiply(shift, first) ^ second) >>> 0;
}

/** The product of two polynomials modulo that of the CRC; `a` is not 0. */
function multiply(a: number, b: number): number {
  let product = 0;
  let power = b;
  for (let bit = ONE; ; bit >>>= 1) {
    if ((a & bit) !== 0) {
      product ^= power;
      if ((a & (bit - 1)) === 0) return product >>> 0;
    }
    power = (power & 1) === 1 ? (power >>> 1) ^ POLYNOMIAL : power >>> 1;
  }
}

function powersOfX(): number[] {
  const powers = [X];
  while (powers.length < 32) powers.push(multiply(powers.at(-1)!, powers.at(-1)!));
  return powers;
}
