// What the API's documentation lacks: modules without a text, exported classes and functions without an example.
const CLASS = 128;
const FUNCTION = 64;

const hasExample = (comment) => comment?.blockTags?.some(({ tag }) => tag === "@example") ?? false;

/**
 * One sentence for each gap, of typedoc's own JSON.
 * @param {{ children?: object[] }} project
 * @returns {string[]}
 */
export function gapsOf(project) {
  const gaps = [];
  for (const module of project.children ?? []) {
    if ((module.comment?.summary ?? []).length === 0) gaps.push(`${module.name} has no text of its own`);
    if (!module.name.startsWith("virtio-emulator"))
      gaps.push(`${module.name} is not called as it is imported`);
    for (const { kind, name, comment, signatures = [] } of module.children ?? []) {
      if (kind === CLASS && !hasExample(comment)) gaps.push(`class ${name} of ${module.name} has no example`);
      if (kind === FUNCTION && !signatures.some((signature) => hasExample(signature.comment))) {
        gaps.push(`function ${name} of ${module.name} has no example`);
      }
    }
  }
  return gaps;
}
