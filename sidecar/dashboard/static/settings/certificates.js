// What TLS is spoken with on the data path: when certificates end, and what is wrong with their files.

import { byId } from "../base/dom.js";
import { moment, plural } from "../base/format.js";
import { pairOf } from "./store.js";

export function showCertificates(certificates) {
  byId("certificates-part").hidden = !certificates.length;
  const list = byId("certificates");
  const pairs = certificates.map((one) => [nameOf(one.use), sentenceOf(one), kindOf(one)]);
  const mark = JSON.stringify(pairs);
  if (list.dataset.mark === mark) return;
  list.dataset.mark = mark;
  list.replaceChildren(...pairs.map(pairOf));
}

/** What is no fault of a certificate, but must be known. */
export function concernsOfCertificates(certificates) {
  return certificates
    .filter(({ verifies }) => !verifies)
    .map(({ use }) => `The certificate of ${use} is not checked (tls_verify: false): whoever stands between can read images and answer.`);
}

const nameOf = (use) => (use === "listen" ? "Data port" : `${use[0].toUpperCase()}${use.slice(1)}`);

function sentenceOf({ expires_at, days_left, verifies, fault }) {
  const parts = [];
  if (days_left !== null) {
    const when = days_left > 0 ? `ends ${moment(expires_at)}, in ${plural(Math.floor(days_left), "day", "days")}` : `ended ${moment(expires_at)}`;
    parts.push(`certificate ${when}`);
  } else {
    parts.push("shows no certificate");
  }
  if (!verifies) parts.push("the other side's is not checked");
  if (fault) parts.push(`the files as they are now are not taken: ${fault}`);
  return parts.join("; ");
}

function kindOf({ days_left, ends_soon, verifies, fault }) {
  if (fault || (days_left !== null && days_left <= 0)) return "bad";
  return ends_soon || !verifies ? "warn" : "";
}
