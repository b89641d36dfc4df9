// Talks to the interface under /api/. Every failure is an Error whose message is a sentence for the user.

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status; // 0: the studio did not answer
  }
}

export async function call(method, path, body) {
  let response;
  try {
    response = await fetch("/api/" + path, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch {
    throw new ApiError("noAnswer", 0);
  }
  const content = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(content.detail || `${response.status}`, response.status);
  return content;
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body === undefined ? {} : body);
export const put = (path, body) => call("PUT", path, body);

// The token stands behind # in the address, which browsers do not send; it becomes a cookie, and leaves the address.
export async function beginSession() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  await call("POST", "session", { token });
  history.replaceState(null, "", location.pathname);
}
