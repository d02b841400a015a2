/** What is made in a data folder is for the broker's user alone: messages are in it. What is there stays as it is. */
export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;
