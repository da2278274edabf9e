// A certificate authority of the test's own, made when it is asked for, with the openssl program.
//
//   const ca = authority(directory);
//   const { cert, key } = ca.issue("server", { names: ["IP:127.0.0.1", "DNS:localhost"] });    // paths of PEM files
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const openssl = (...args) => execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });

export function authority(directory, name = "ca") {
  const at = (file) => join(directory, file);
  const newKey = (file) => openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file);
  newKey(at(`${name}.key`));
  openssl("req", "-x509", "-new", "-key", at(`${name}.key`), "-subj", `/CN=${name}`, "-days", "2", "-out", at(`${name}.pem`));
  let serial = 1;
  return {
    pem: at(`${name}.pem`),
    issue(subject, { names = [], file = subject } = {}) {
      const [key, request, cert, extensions] = ["key", "csr", "pem", "ext"].map((suffix) => at(`${file}.${suffix}`));
      newKey(key);
      openssl("req", "-new", "-key", key, "-subj", `/CN=${subject}`, "-out", request);
      writeFileSync(extensions, names.length ? `subjectAltName=${names.join(",")}\n` : "basicConstraints=CA:FALSE\n");
      openssl("x509", "-req", "-in", request, "-CA", at(`${name}.pem`), "-CAkey", at(`${name}.key`), "-set_serial", String(serial++), "-days", "2", "-extfile", extensions, "-out", cert);
      return { cert, key };
    },
  };
}
