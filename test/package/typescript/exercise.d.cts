declare function exercise(guestfs: object): Promise<void>;
export = exercise;
