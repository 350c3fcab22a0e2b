/** The mappings that another one runs after: a checkbox for each that does not wait for it. */
class DependsOnField {
  private readonly boxes: HTMLInputElement[] = [];

  constructor(private readonly node: EditorNode) {
    const chosen = leadersOf(node);
    const list = document.getElementById('pcp-mapping-depends-on')!;
    RED.nodes.eachConfig((other) => {
      if (other.type !== 'pcp-mapping' || other.id === node.id || waitsFor(other, node.id, new Set())) return;
      const box = element('input', { type: 'checkbox', value: other.id });
      box.checked = chosen.includes(other.id);
      this.boxes.push(box);
      const name = String(other.name || `${other.sourceEntity} - ${other.targetEntity}`);
      list.append(element('label', {}, box, ` ${name}`));
    });
    $('#pcp-mapping-depends-on-row').toggle(this.boxes.length > 0);
  }

  save(): void {
    this.node.dependsOn = this.boxes.filter(({ checked }) => checked).map(({ value }) => value);
  }
}

function leadersOf(node: EditorNode | null): string[] {
  return (node?.dependsOn as string[] | undefined) ?? [];
}

function waitsFor(node: EditorNode | null, id: string, seen: Set<string>): boolean {
  return leadersOf(node).some((leader) => {
    if (leader === id) return true;
    if (seen.has(leader)) return false;
    seen.add(leader);
    return waitsFor(RED.nodes.node(leader), id, seen);
  });
}
