"""What a tenant has: its plans, the permissions in our tokens, and what its services refused lately."""
