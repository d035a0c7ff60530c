// Shows news that come by push while no page is open. It keeps nothing and answers no requests.
self.addEventListener("push", (event) => {
  const news = event.data.json();
  event.waitUntil(
    self.registration.showNotification(news.title, {
      body: news.body,
      tag: news.tag,
      icon: "/static/icon.svg",
      data: { url: news.url },
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data.url));
});
