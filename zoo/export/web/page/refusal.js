// What is told to the user as it stands, because it says what to do.

export class Refusal extends Error {}
