// The messages in the page: adds, finds, replaces and brings back.

const messages = document.getElementById("messages");
const stage = document.getElementById("stage");

function fromTemplate(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

export function byMessage(id) {
  return messages.querySelector(`[data-message="${CSS.escape(id)}"]`);
}

export function running() {
  return [...messages.querySelectorAll('.answer[data-state="running"][data-turn]:not([data-turn=""])')];
}

function pictures(ids) {
  const row = fromTemplate("pictures-template");
  const one = row.firstElementChild;
  row.replaceChildren(
    ...ids.map((id) => {
      const picture = one.cloneNode(true);
      picture.href = `/api/attachments/${id}/file/`;
      picture.querySelector("img").src = `/api/attachments/${id}/thumbnail/`;
      return picture;
    }),
  );
  return row;
}

export function newQuestion(text, attachments = []) {
  const question = fromTemplate("question-template");
  question.dataset.pending = "";
  question.querySelector(".bubble").textContent = text;
  if (attachments.length) question.prepend(pictures(attachments));
  return question;
}

export function newAnswer() {
  const answer = fromTemplate("answer-template");
  answer.dataset.state = "running";
  answer.querySelector(".phase").hidden = false;
  answer.querySelector(".phase-text").textContent = "Sending…";
  return answer;
}

export function add(...nodes) {
  delete stage.dataset.empty;
  messages.append(...nodes);
}

export function byTurn(id) {
  return messages.querySelector(`[data-turn="${CSS.escape(id)}"]`);
}

function name(article, id) {
  article.dataset.message = id;
  article.id = `m-${id}`;
  delete article.dataset.pending;
}

// Gives what was shown in advance the ids of the accepted rows; returns the answer's article. Where the page has those
// rows already (it was reloaded before "accepted" came), what was shown in advance goes away.
export function place({ question, answer }, ids) {
  const known = byMessage(ids.answer);
  if (known && known !== answer) {
    question?.remove();
    answer.remove();
    return known;
  }
  if (question) name(question, ids.question);
  name(answer, ids.answer);
  return answer;
}

// Makes a finished answer one that is being written again; the returned function takes that back.
export function reopen(article) {
  const ending = article.querySelector(".ending");
  const kept = [...ending.childNodes];
  const { state } = article.dataset;
  ending.replaceChildren();
  article.dataset.state = "running";
  return () => {
    ending.replaceChildren(...kept);
    article.dataset.state = state;
  };
}

// Takes an article and all after it out of the page; the returned function puts them back in place of what came since.
export function cutFrom(article) {
  const before = article.previousElementSibling;
  const removed = [];
  for (let node = article; node; node = node.nextElementSibling) removed.push(node);
  for (const node of removed) node.remove();
  return () => {
    while (before ? before.nextElementSibling : messages.firstElementChild) messages.lastElementChild.remove();
    messages.append(...removed);
  };
}

// What stands in backticks is a command.
function commands(text) {
  return text.split("`").map((part, index) => {
    if (index % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
}

// Shows a problem inside an answer, with a button that carries `action`.
export function showProblem(article, { message, hint }, action = "resend") {
  const problem = fromTemplate("problem-template");
  problem.querySelector(".problem-message").textContent = message;
  problem.querySelector(".problem-hint").replaceChildren(...commands(hint ?? ""));
  problem.querySelector("button").dataset.action = action;
  article.querySelector(".ending").replaceChildren(problem);
  article.querySelector(".phase").hidden = true;
}

export function retitle(title) {
  if (!title) return;
  document.title = `${title} · Nitro`;
  document.getElementById("title").textContent = title;
}
