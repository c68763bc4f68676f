// Before the first paint: the theme that was chosen here, else the system's.
const chosen = localStorage.getItem('theme');
const system = matchMedia('(prefers-color-scheme: dark)');
const paint = () => {
  const theme = localStorage.getItem('theme') ?? (system.matches ? 'dark' : 'light');
  document.documentElement.dataset.theme = theme;
};
if (!chosen) system.addEventListener('change', paint);
paint();
