for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const words = document.getElementById(button.dataset.of).textContent;
    navigator.clipboard.writeText(words).then(() => { button.textContent = "Copied"; });
  });
}

for (const place of document.querySelectorAll(".browse")) {
  const controls = place.querySelector(".filters");
  if (!controls) continue;
  const samples = [...place.querySelectorAll(".sample")];
  const texts = samples.map((sample) =>
    [...sample.querySelectorAll("pre")].map((pre) => pre.textContent).join("\n").toLowerCase());
  const fields = [...controls.querySelectorAll("[data-filter]")];
  const told = controls.querySelector("output");
  const buttons = [...controls.querySelectorAll("[data-step]")];
  let found = samples;
  let at = 0;

  const show = () => {
    samples.forEach((sample) => { sample.hidden = sample !== found[at]; });
    told.textContent = found.length ? `${at + 1} of ${found.length}` : "no sample matches";
    for (const button of buttons) {
      const next = at + Number(button.dataset.step);
      button.disabled = next < 0 || next >= found.length;
    }
  };
  const pick = () => {
    found = samples.filter((sample, index) => fields.every((field) => {
      if (!field.value) return true;
      if (field.dataset.filter === "words") return texts[index].includes(field.value.toLowerCase());
      return sample.dataset[field.dataset.filter] === field.value;
    }));
    at = 0;
    show();
  };

  for (const field of fields) field.addEventListener("input", pick);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      at = Math.min(Math.max(at + Number(button.dataset.step), 0), found.length - 1);
      show();
    });
  }
  const rest = place.querySelector("details.rest");
  if (rest) rest.open = true;
  place.classList.add("live");
  controls.hidden = false;
  pick();
}
