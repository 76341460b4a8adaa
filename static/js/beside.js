// What is put beside a question. Each tool of the composer gives its part when the question is sent.

const tools = [];

// tool: { take() → fields of the question's frame, waits() → true while it is not ready (both may be missing) }
export function addTool(tool) {
  tools.push(tool);
}

export function takeBeside() {
  return Object.assign({}, ...tools.map((tool) => tool.take?.() ?? {}));
}

export function besideWaits() {
  return tools.some((tool) => tool.waits?.());
}
