// How an upload is announced to the app, and found again where the answer to that was lost.

const LONGEST_FOLDER = 1_000; // As the app takes it.

/** The body of POST /uploads. */
function announcementOf({ name, size, type, datasetId, modified, folder, print }) {
  const { head, tail } = print ?? {};
  return {
    filename: name,
    size,
    ...(type && { content_type: type }),
    ...(datasetId && { dataset_id: datasetId }),
    ...(modified && { modified_at: new Date(modified).toISOString() }),
    ...(folder && folder.length <= LONGEST_FOLDER && { folder }),
    ...(head && tail && { head_sha256: head, tail_sha256: tail }),
  };
}

/**
 * An upload that the app has begun for this very file and nobody in this browser knows of, or null. One begun before
 * `since` (ms, by the server's clock) is another device's.
 */
async function findLost({ name, size, folder, print, datasetId }, since, queue) {
  if (!print?.head) return null;
  const { body } = await callApi("GET", "/uploads");
  const known = new Set((await queue.records.all()).map(({ key }) => key));
  for (const { uploadId } of queue.uploads) known.add(uploadId);
  const same = (item) => item.filename === name && item.size === size && (item.folder ?? "") === folder;
  const ends = (item) => item.head_sha256 === print.head && item.tail_sha256 === print.tail;
  const mine = (item) => Date.parse(item.created_at) >= since && (!datasetId || item.dataset_id === datasetId);
  const lost = body.items.find((item) => same(item) && ends(item) && mine(item) && !known.has(item.upload_id));
  return lost ?? null;
}
