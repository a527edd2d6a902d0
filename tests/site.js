// What a browser shows of each page: its text, its links, and what is wider than a phone.
onload = () => setTimeout(() => {
  const seen = Array.from(frames).map(({document}) => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const url = (tag) => tag.getAttribute("href") || tag.getAttribute("src");
    return {
      text: document.body.innerText,
      ids: all("[id]").map((tag) => tag.id),
      links: all("[href], [src]").map((tag) => new URL(url(tag), document.URL).href),
      results: all("#search-results li").map((tag) => tag.innerText),
    };
  });
  document.querySelectorAll("iframe").forEach((frame) => frame.width = 400);
  setTimeout(() => {
    Array.from(frames).forEach(({document}, n) => {
      const wide = (tag) => tag.getBoundingClientRect().width > 400 && !tag.closest("pre");
      seen[n].wide = [...document.querySelectorAll("*")].filter(wide).map((tag) => tag.outerHTML);
    });
    document.body.textContent = JSON.stringify(seen);
  }, 3000);
}, 10000);
