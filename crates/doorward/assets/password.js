// A button beside each password field that shows what was typed. Without scripts there is no button, and all else works.

for (const input of document.querySelectorAll("input[data-password]")) {
  const label = document.querySelector(`label[for="${input.id}"]`).textContent;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "show";
  button.setAttribute("aria-controls", input.id);
  const draw = () => {
    const shown = input.type === "text";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-label", `${shown ? "Hide" : "Show"} ${label.toLowerCase()}`);
  };
  button.addEventListener("click", () => {
    input.type = input.type === "password" ? "text" : "password";
    draw();
  });
  // What is sent is a password again, so that no browser keeps it among ordinary texts.
  input.form.addEventListener("submit", () => {
    input.type = "password";
    draw();
  });
  draw();
  const row = document.createElement("div");
  row.className = "with-button";
  input.replaceWith(row);
  row.append(input, button);
}
