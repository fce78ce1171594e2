/** Makes an element: attributes by name, `undefined` ones left out; children are nodes or text. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/**
 * Makes the children of `parent` be one per item, in order, keeping the node of a key it already has:
 * focus, selection and scrolling survive a refresh. A node is updated only when `versionOf` changed.
 */
export function syncChildren(parent, items, { keyOf, versionOf, create, update }) {
  const present = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const wanted = items.map((item) => {
    const key = keyOf(item);
    const node = present.get(key) ?? create(item);
    present.delete(key);
    node.dataset.key = key;
    const version = versionOf(item);
    if (node.syncedVersion !== version) {
      update(node, item);
      node.syncedVersion = version;
    }
    return node;
  });
  for (const node of present.values()) node.remove();
  wanted.forEach((node, i) => {
    if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] ?? null);
  });
}

/** A state in words with its shape: never by colour alone. */
export function stateTag(tone, words) {
  return element('span', { class: 'tag', 'data-tone': tone }, words);
}
