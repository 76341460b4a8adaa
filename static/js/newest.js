// Runs while the page is being read, before it is painted: a chat opens at its newest message.
if (!location.hash && !location.search) window.scrollTo(0, document.documentElement.scrollHeight);
