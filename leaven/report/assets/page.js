for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const words = document.getElementById(button.dataset.of).textContent;
    navigator.clipboard.writeText(words).then(() => { button.textContent = "Copied"; });
  });
}
