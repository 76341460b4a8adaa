// What somebody holds, with the keyboard or a pressed mouse, stays in their hand when the server's rendering comes in.

const HOLDABLE = "button, a, summary, input, textarea, [tabindex]";

function nameOf(node) {
  return node.dataset.action ?? node.getAttribute("aria-label") ?? node.className;
}

function namesakes(node, root) {
  return [...root.querySelectorAll(HOLDABLE)].filter((other) => nameOf(other) === nameOf(node));
}

// Notes what has the focus below `root`; the returned function gives it to the same thing below what came in its place,
// and where that cannot take it, to its neighbour.
export function holdFocus(root) {
  const held = document.activeElement;
  if (held === root || !root.contains(held)) return () => {};
  const place = namesakes(held, root).indexOf(held);
  return (fresh) => {
    if (held.isConnected) return;
    const heir = namesakes(held, fresh)[place];
    const able = heir?.disabled ? heir.parentElement.querySelector(":enabled") : heir;
    able?.focus({ preventScroll: true });
  };
}

// Makes the elements in `ours` those of `theirs`; the ones that are equal stay the very same.
export function mend(ours, theirs) {
  const wanted = [...theirs.children];
  for (const node of [...ours.children]) {
    if (!wanted.some((other) => other.isEqualNode(node))) node.remove();
  }
  let place = ours.firstElementChild;
  for (const node of wanted) {
    if (place?.isEqualNode(node)) place = place.nextElementSibling;
    else ours.insertBefore(node, place);
  }
  while (place) {
    const next = place.nextElementSibling;
    place.remove();
    place = next;
  }
}
