"""What is said to guests and hosts: invitations, mails, their words, and the way they go out."""
