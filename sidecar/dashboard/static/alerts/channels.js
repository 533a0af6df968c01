// Which channels there are to choose from: those of the configuration, and those that alerts go to already.

import { get, Refused } from "../base/api.js";

const FORMS = "email:team@company.com, slack:#channel, webhook:name, alertmanager";
const ANY = "*"; // a Slack webhook for every channel

/** {channels, note} for the form; typing is left where the configuration may not be read. */
export async function channelChoices(alerts) {
  let notify = {};
  try {
    notify = (await get("/api/v1/settings")).notify || {};
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  return choicesOf(notify, alerts);
}

export function choicesOf(notify, alerts) {
  const { slack = {}, webhooks = [], alertmanagers = [], apprise = {}, smtp = null } = notify;
  const configured = [
    ...Object.keys(slack).filter((name) => name !== ANY).map((name) => `slack:${name}`),
    ...webhooks.map(({ name }) => `webhook:${name}`),
    ...alertmanagers.map(({ name }) => `alertmanager:${name}`),
    ...Object.keys(apprise).map((name) => `apprise:${name}`),
  ];
  const used = alerts.flatMap((alert) => alert.delivery).filter((one) => one.configured).map(({ channel }) => channel);
  const channels = [...new Set([...configured, ...used.sort()])];
  const open = [...(smtp ? ["any email:address"] : []), ...(ANY in slack ? ["any slack:#channel"] : [])];
  return { channels, note: noteOf(channels, open) };
}

function noteOf(channels, open) {
  const nobody = "None: it only shows here.";
  if (!channels.length && !open.length) return `No channel is configured yet. A channel on each line: ${FORMS}. ${nobody}`;
  if (!channels.length) return `A channel on each line: ${open.join(" or ")}. ${nobody}`;
  return `A channel on each line${open.length ? `; ${open.join(" and ")} can be typed` : ""}. ${nobody}`;
}
