/** In a data folder: where the files of a backup are until it turned out to be whole. */
export const UNFINISHED_RESTORE = 'unfinished-restore';
