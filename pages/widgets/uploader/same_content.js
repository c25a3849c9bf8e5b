// Whether a file is on the shelf already: said before a byte is sent.

const MOST_BYTES_COMPARED = 4e9; // Reading more before the first byte travels would take longer than it may save.

/**
 * The file of mine that holds the same content ({datasetId, datasetName, fileId, version}), or null: where there is
 * none, where it cannot be told, or where the app does not answer this call. `digestOf(blob)` computes a checksum.
 */
async function findSameContent({ file, size, print }, hasher, signal) {
  if (!size || !print?.head || size > MOST_BYTES_COMPARED) return null;
  const ends = { size, head_sha256: print.head, tail_sha256: print.tail };
  const ask = (body) => callApi("POST", "/uploads/same", { body, signal }).then(({ body: { items } }) => items);
  try {
    const [first] = await ask(size <= END_BYTES ? { ...ends, sha256: print.head } : ends);
    if (!first || first.certain) return first ? sameContentOf(first) : null;
    const { body } = await callApi("GET", `/files/${first.file_id}/parts`, { signal });
    const part_sha256 = [];
    for (let from = 0; from < size && !signal.aborted; from += body.part_size) {
      part_sha256.push(await hasher.digest(file.slice(from, from + body.part_size, "")));
    }
    if (signal.aborted || part_sha256.includes(null)) return null;
    const whole = part_sha256.length === 1 ? { sha256: part_sha256[0] } : {};
    const found = await ask({ ...ends, ...whole, part_size: body.part_size, part_sha256 });
    const certain = found.find((one) => one.certain);
    return certain ? sameContentOf(certain) : null;
  } catch {
    return null;
  }
}

function sameContentOf(item) {
  return {
    datasetId: item.dataset_id,
    datasetName: item.dataset_name,
    fileId: item.file_id,
    version: item.version,
  };
}
