/** FNV-1a over words: equal bytes, equal work. */
export function fnv1a(words: Uint32Array): string {
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
